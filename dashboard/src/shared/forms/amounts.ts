/** Exact decimals as the API has them, and as the reader types them. Pure. */
import { DECIMAL } from '../formats'

/** The API's "2.50" in the reader's notation: "2,50" where a comma comes before the decimals. */
export const shownAmount = (value: string, decimal = DECIMAL): string => value.replaceAll('.', decimal)

/** What was typed, as the API takes it. What is no number stays what it is: nothing is guessed about money. */
export const typedAmount = (text: string, decimal = DECIMAL): string => text.trim().replaceAll(decimal, '.')

/** What is wrong with an amount as it is typed; undefined for nothing, and for one that is not there yet. */
export const amountProblem = (value: string): string | undefined =>
  value === '' || /^\d{1,18}(\.\d{1,9})?$/.test(value) ? undefined : `Give a number, such as ${shownAmount('5.00')}`
