/** Code that connects an SDK. Pure. */
interface Info {
  baseUrl: string
  maskedToken: string
}

// The OpenAI SDK is given /v1, the Anthropic SDK adds it itself.
const root = (baseUrl: string): string => baseUrl.replace(/\/v1\/?$/, '')

export const SNIPPETS: readonly { name: string; label: string; code: (info: Info) => string }[] = [
  {
    name: 'openai',
    label: 'OpenAI SDK',
    code: ({ baseUrl, maskedToken }) => `from openai import OpenAI

client = OpenAI(base_url="${baseUrl}", api_key="${maskedToken}")
answer = client.chat.completions.create(
    model="auto", messages=[{"role": "user", "content": "Hello"}]
)
print(answer.choices[0].message.content)`,
  },
  {
    name: 'anthropic',
    label: 'Anthropic SDK',
    code: ({ baseUrl, maskedToken }) => `from anthropic import Anthropic

client = Anthropic(base_url="${root(baseUrl)}", auth_token="${maskedToken}")
answer = client.messages.create(
    model="auto", max_tokens=500, messages=[{"role": "user", "content": "Hello"}]
)
print(answer.content[0].text)`,
  },
  {
    name: 'curl',
    label: 'curl',
    code: ({ baseUrl, maskedToken }) => `curl ${baseUrl}/chat/completions \\
  -H 'content-type: application/json' \\
  -H 'authorization: Bearer ${maskedToken}' \\
  -d '{"model": "auto", "messages": [{"role": "user", "content": "Hello"}]}'`,
  },
]
