/** An exact decimal, such as a price, in the reader's notation. */
import { TextInput, type TextInputProps } from '@mantine/core'
import { amountProblem, shownAmount, typedAmount } from './amounts'

interface Props extends Omit<TextInputProps, 'value' | 'onChange'> {
  /** As the API has it: "2.50"; empty for none. */
  value: string
  onChange: (value: string) => void
}

export function AmountField({ value, onChange, error, ...props }: Props) {
  return (
    <TextInput
      inputMode="decimal"
      {...props}
      value={shownAmount(value)}
      onChange={(event) => onChange(typedAmount(event.currentTarget.value))}
      error={amountProblem(value) ?? error}
    />
  )
}
