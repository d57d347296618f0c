/** A number in the reader's notation: whole, unless decimals are allowed. */
import { NumberInput, type NumberInputProps } from '@mantine/core'
import { useState } from 'react'
import { DECIMAL, THOUSANDS } from '../formats'

interface Props extends Omit<NumberInputProps, 'value' | 'onChange'> {
  /** Null where nothing is given. */
  value: number | null
  onChange: (value: number | null) => void
}

const numberOf = (typed: number | string): number | null => (typed === '' ? null : Number(typed))

export function NumberField({ value, onChange, allowDecimal = false, ...props }: Props) {
  const [typed, setTyped] = useState<number | string>(value ?? '')
  // What is being typed, such as "0,", stays while it means the value.
  const shown = numberOf(typed) === value ? typed : (value ?? '')
  return (
    <NumberInput
      thousandSeparator={THOUSANDS}
      decimalSeparator={DECIMAL}
      // Of whole numbers neither sign begins decimals: "120.000" that is pasted must not become 120.
      allowedDecimalSeparators={allowDecimal ? ['.', ','] : []}
      allowDecimal={allowDecimal}
      {...props}
      value={shown}
      onChange={(now) => {
        setTyped(now)
        onChange(numberOf(now))
      }}
    />
  )
}
