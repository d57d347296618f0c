/** What a project is called, how long its requests may take, and what its traces keep. */
import { Stack, Switch, Textarea, TextInput, Title } from '@mantine/core'
import { problemAt, type Problem } from '../../../shared/change'
import { count } from '../../../shared/formats'
import { NumberField } from '../../../shared/forms/NumberField'
import { Setting } from '../../../shared/forms/Setting'
import type { Project } from '../queries'
import type { GeneralValues } from './draft'

export interface FieldsProps {
  project: Project
  values: GeneralValues
  onChange: (changed: Partial<GeneralValues>) => void
  problems: readonly Problem[]
  /** Whether the viewer may only look. */
  locked: boolean
}

/** Waybill's own, where neither the project nor the installation says. */
const OWN_TIMEOUT_MS = 600_000

export function IdentityFields(props: FieldsProps & { inheritedTimeoutMs: number | null }) {
  const { project, values, onChange, problems, locked, inheritedTimeoutMs } = props
  const path = `projects/${project.slug}/project.yaml`
  return (
    <Stack>
      <Title order={2}>General</Title>
      <Setting path={path} field="name" label="Name">
        <TextInput
          label="Name"
          required
          readOnly={locked}
          value={values.name}
          onChange={(event) => onChange({ name: event.currentTarget.value })}
          error={problemAt(problems, 'name')}
        />
      </Setting>
      <TextInput
        label="Slug"
        description="In addresses and files; fixed when the project was created"
        value={project.slug}
        readOnly
        // As wide as the others, which have a button beside them.
        mr={26}
      />
      <Setting path={path} field="description" label="Description">
        <Textarea
          label="Description"
          autosize
          readOnly={locked}
          value={values.description}
          onChange={(event) => onChange({ description: event.currentTarget.value })}
          error={problemAt(problems, 'description')}
        />
      </Setting>
      <Milliseconds
        {...props}
        name="timeoutMs"
        field="timeouts.timeout_ms"
        label="Default timeout"
        description={`For a whole request. Left empty: ${count(inheritedTimeoutMs ?? OWN_TIMEOUT_MS)} ms, as for all projects`}
      />
      <Milliseconds
        {...props}
        name="attemptTimeoutMs"
        field="timeouts.attempt_timeout_ms"
        label="Attempt timeout"
        description="To a model’s first content; then the next model is tried"
      />
      <Milliseconds
        {...props}
        name="idleTimeoutMs"
        field="timeouts.idle_timeout_ms"
        label="Idle timeout"
        description="Between two bytes of an answer"
      />
      <Setting path={path} field="default_max_output_tokens" label="Output to reckon with">
        <NumberField
          label="Output to reckon with"
          description="Tokens, where a request does not say how long its answer may be"
          min={1}
          readOnly={locked}
          value={values.defaultMaxOutputTokens}
          onChange={(value) => onChange({ defaultMaxOutputTokens: value })}
          error={problemAt(problems, 'defaultMaxOutputTokens')}
        />
      </Setting>
      <Setting path={path} field="trace.content" label="Keep what was said">
        <Switch
          label="Keep what was said in traces"
          description="Reading it takes the permission content:read"
          disabled={locked}
          checked={values.traceContent}
          onChange={(event) => onChange({ traceContent: event.currentTarget.checked })}
        />
      </Setting>
    </Stack>
  )
}

interface MillisecondsProps extends FieldsProps {
  name: 'timeoutMs' | 'attemptTimeoutMs' | 'idleTimeoutMs'
  field: string
  label: string
  description: string
}

function Milliseconds({
  project,
  values,
  onChange,
  problems,
  locked,
  name,
  field,
  label,
  description,
}: MillisecondsProps) {
  return (
    <Setting path={`projects/${project.slug}/project.yaml`} field={field} label={label}>
      <NumberField
        label={label}
        description={description}
        suffix=" ms"
        min={1}
        readOnly={locked}
        value={values[name]}
        onChange={(value) => onChange({ [name]: value })}
        error={problemAt(problems, field)}
      />
    </Setting>
  )
}
