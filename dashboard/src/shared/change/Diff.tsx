/** A unified diff: the marks stay in the text, so that colour is not what it depends on. */
import { Box, Code, Group, Stack, Text } from '@mantine/core'
import type { ApiType } from '../../api/graphql'

export interface FileDiff {
  path: string
  change: ApiType<'FileChange'>
  unified: string
}

const WORD = { ADDED: 'new file', MODIFIED: 'changed', DELETED: 'deleted' } as const

export function Diff({ files }: { files: readonly FileDiff[] }) {
  if (files.length === 0) return <Text size="sm">Nothing would change: everything is so already.</Text>
  return (
    <Stack gap="sm">
      {files.map((file) => (
        <div key={file.path}>
          <Group gap="xs" mb={4}>
            <Code>{file.path}</Code>
            <Text size="xs" c="dimmed">
              {WORD[file.change]}
            </Text>
          </Group>
          <Lines text={file.unified} />
        </div>
      ))}
    </Stack>
  )
}

function Lines({ text }: { text: string }) {
  const lines = text.split('\n').filter((line) => !/^(---|\+\+\+|diff |index |\\ )/.test(line))
  if (lines.at(-1) === '') lines.pop()
  return (
    <Box
      component="pre"
      m={0}
      fz="xs"
      ff="monospace"
      mah={360}
      style={{ overflow: 'auto', border: '1px solid var(--mantine-color-default-border)', borderRadius: 4 }}
      tabIndex={0}
      aria-label="Differences"
    >
      {lines.map((line, index) => (
        <Line key={index} text={line} mark={line[0] ?? ' '} />
      ))}
    </Box>
  )
}

const SHADE: Record<string, string> = {
  '+': 'var(--mantine-color-green-light)',
  '-': 'var(--mantine-color-red-light)',
  '@': 'var(--mantine-color-default-hover)',
}

export function Line({ text, mark }: { text: string; mark: string }) {
  return (
    <div
      style={{ background: SHADE[mark], padding: '0 8px', minHeight: '1.4em', width: 'max-content', minWidth: '100%' }}
    >
      {text}
    </div>
  )
}
