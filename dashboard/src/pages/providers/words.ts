/** Providers in words. */
import type { Provider } from './queries'

export const KINDS: Record<Provider['kind'], string> = {
  OPENAI: 'OpenAI',
  ANTHROPIC: 'Anthropic',
  GEMINI: 'Gemini',
  AZURE: 'Azure OpenAI',
  OLLAMA: 'Ollama',
  OPENAI_COMPATIBLE: 'OpenAI-compatible',
  SIMULATED: 'simulated',
}

/** Where the key is; never the key. */
export function keyWords({ kind, credential }: Pick<Provider, 'kind' | 'credential'>): string {
  if (!credential) return kind === 'SIMULATED' || kind === 'OLLAMA' ? 'needs none' : 'none set'
  if (credential.source === 'SEALED') return 'sealed: only the proxies open it'
  return credential.source === 'ENV' ? `variable ${credential.name ?? ''}` : `file ${credential.name ?? ''}`
}
