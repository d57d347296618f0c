/** Two people changed the same file: what was read, what is there now and what was meant, side by side. */
import { Box, Code, Grid, Stack, Text } from '@mantine/core'
import { Line } from './Diff'
import type { Collision } from './fragments'

export function ConflictView({ conflict }: { conflict: Collision }) {
  return (
    <Stack>
      <Text size="sm">
        Somebody changed the same file since you opened it. Nothing was written and nothing is lost: compare, and
        choose.
      </Text>
      {conflict.files.map((file) => (
        <div key={file.path}>
          <Code>{file.path}</Code>
          <Grid mt="xs" gutter="xs">
            <Version title="What you had read" text={file.read} against={null} />
            <Version title="What is there now (theirs)" text={file.head} against={file.read} />
            <Version title="What you meant to write (yours)" text={file.proposed} against={file.read} />
          </Grid>
        </div>
      ))}
    </Stack>
  )
}

interface VersionProps {
  title: string
  text: string | null
  /** Lines that are not in here are marked. */
  against: string | null
}

function Version({ title, text, against }: VersionProps) {
  const known = new Set(against?.split('\n'))
  return (
    <Grid.Col span={{ base: 12, md: 4 }}>
      <Text size="xs" fw={600} mb={4}>
        {title}
      </Text>
      <Box
        component="pre"
        m={0}
        fz="xs"
        mah={320}
        tabIndex={0}
        aria-label={title}
        style={{ overflow: 'auto', border: '1px solid var(--mantine-color-default-border)' }}
      >
        {text === null ? (
          <Line text="(no file)" mark=" " />
        ) : (
          text
            .trimEnd()
            .split('\n')
            .map((line, index) => (
              <Line key={index} text={line} mark={against !== null && !known.has(line) ? '+' : ' '} />
            ))
        )}
      </Box>
    </Grid.Col>
  )
}
