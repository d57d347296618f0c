/** A token's name, limits, end and labels: for a new one and for one that is there. */
import { Button, Fieldset, Group, MultiSelect, Stack, TagsInput, TextInput } from '@mantine/core'
import { useState, type SubmitEvent } from 'react'
import { useViewer } from '../../../app/Viewer'
import { problemAt, Problems, problemsElsewhere, useChange, type Outcome, type Problem } from '../../../shared/change'
import { Dialog } from '../../../shared/Dialog'
import { LimitsFields } from '../../../shared/forms/LimitsFields'
import { NEW_RULE } from '../../../shared/forms/limits'
import { NEW_TOKEN, tokenFields, tokenValues, type TokenValues } from './draft'
import { TOKEN_CREATE, TOKEN_UPDATE, type Token, type TokensProject } from './queries'

interface Props {
  project: TokensProject
  /** The token to edit; a new one when left out. */
  token?: Token
  onClose: () => void
  onMade: (name: string, value: string) => void
}

const FIELDS = ['name', 'limits', 'expiresAt', 'labels']
const MEANING = {
  REPLACE: 'The token’s limits override the project’s for this token.',
  EXTEND: 'Both the token’s and the project’s limits must pass.',
  DISABLE: 'No budget check for this token. What the platform allows holds all the same.',
}

export function TokenForm({ project, token, onClose, onMade }: Props) {
  const viewer = useViewer()
  const { change, checking } = useChange()
  const [before] = useState(token ? tokenValues(token) : NEW_TOKEN)
  const [readAt] = useState(project.revision ?? '')
  const [values, setValues] = useState(before)
  const [problems, setProblems] = useState<Problem[]>([])
  const [refused, setRefused] = useState<string>()
  const put = (changed: Partial<TokenValues>): void => setValues((now) => ({ ...now, ...changed }))
  const locked = !viewer.may('limit:write', project.slug)

  async function submit(event: SubmitEvent): Promise<void> {
    event.preventDefault()
    const made = token ? await update(token) : await create()
    setProblems(made.kind === 'invalid' ? made.problems : [])
    setRefused(made.kind === 'refused' ? made.message : undefined)
    if (made.kind === 'done' || made.kind === 'theirs') onClose()
  }

  async function create(): Promise<Outcome<unknown>> {
    const { name, ...rest } = tokenFields(values, NEW_TOKEN)
    const made = await change({
      title: `Create the token “${values.name}”`,
      action: 'Create',
      mutation: TOKEN_CREATE,
      input: { project: project.slug, name: name ?? '', ...rest },
      readAt,
    })
    if (made.kind === 'done' && made.data.tokenCreate.__typename === 'TokenCreated') {
      onMade(
        values.name,
        made.data.tokenCreate.value ?? 'It was made by an earlier try, and cannot be shown again: re-generate it.',
      )
    }
    return made
  }

  const update = (edited: Token): Promise<Outcome<unknown>> =>
    change({
      title: `Change the token “${edited.name}”`,
      mutation: TOKEN_UPDATE,
      input: { project: project.slug, token: edited.token, ...tokenFields(values, before) },
      readAt,
    })

  return (
    <Dialog
      onClose={onClose}
      title={token ? `Edit “${token.name}”` : 'New token'}
      size="lg"
      closeOnClickOutside={false}
    >
      <form onSubmit={submit}>
        <Stack>
          <TextInput
            label="Name"
            description="Such as production, staging, ci"
            data-autofocus
            required
            value={values.name}
            onChange={(event) => put({ name: event.currentTarget.value })}
            error={problemAt(problems, 'name')}
          />
          <Fieldset legend="Limits of this token">
            <LimitsFields
              value={values.limits}
              onChange={(limits) => put({ limits })}
              withMode
              meaning={MEANING}
              problems={problems}
              locked={locked}
            />
          </Fieldset>
          <ModelLimits project={project} values={values} put={put} problems={problems} locked={locked} />
          <TextInput
            label="Expires"
            description="In your own time; empty for never"
            type="datetime-local"
            value={values.expiresAt}
            onChange={(event) => put({ expiresAt: event.currentTarget.value })}
            error={problemAt(problems, 'expiresAt')}
          />
          <TagsInput
            label="Labels"
            description="Copied to its log rows. Type “team: search”, then press Enter"
            value={values.labels}
            onChange={(labels) => put({ labels })}
            error={problemAt(problems, 'labels')}
          />
          <Problems problems={problemsElsewhere(problems, ...FIELDS)} message={refused} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={checking}>
              {token ? 'Save…' : 'Create'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  )
}

interface ModelLimitsProps {
  project: TokensProject
  values: TokenValues
  put: (changed: Partial<TokenValues>) => void
  problems: readonly Problem[]
  locked: boolean
}

function ModelLimits({ project, values, put, problems, locked }: ModelLimitsProps) {
  const chosen = values.models.map(({ id }) => id)
  const choose = (ids: string[]): void =>
    put({
      models: ids.map(
        (id) => values.models.find((each) => each.id === id) ?? { id, limits: { mode: 'REPLACE', rules: [NEW_RULE] } },
      ),
    })
  return (
    <Fieldset legend="Limits of this token on single models">
      <Stack>
        <MultiSelect
          aria-label="Models with limits of their own"
          placeholder="Choose models"
          data={[...new Set([...project.models, ...chosen])]}
          value={chosen}
          onChange={choose}
          disabled={locked}
        />
        {values.models.map((model, place) => (
          <Fieldset key={model.id} legend={model.id}>
            <LimitsFields
              value={model.limits}
              onChange={(limits) =>
                put({ models: values.models.map((each) => (each === model ? { ...model, limits } : each)) })
              }
              withMode
              problems={problems}
              field={`models[${place}].limits`}
              locked={locked}
            />
          </Fieldset>
        ))}
      </Stack>
    </Fieldset>
  )
}
