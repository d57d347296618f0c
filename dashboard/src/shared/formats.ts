/** Numbers and times in the reader's own locale. */

const counts = new Intl.NumberFormat()
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 })
const shares = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 1 })
const scores = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 3 })
const instants = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
const clocks = new Intl.DateTimeFormat(undefined, {
  month: 'short', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3,
}) // prettier-ignore
const sign = (type: 'group' | 'decimal', value: number, otherwise: string): string =>
  counts.formatToParts(value).find((part) => part.type === type)?.value ?? otherwise
/** What stands between thousands, and before decimals, in the reader's locale: for fields that numbers are typed into. */
export const THOUSANDS = sign('group', 1e6, '')
export const DECIMAL = sign('decimal', 0.5, '.')

const days = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

export const NOTHING = '–'

export const count = (value: number | null | undefined): string => (value == null ? NOTHING : counts.format(value))
export const shortCount = (value: number | null | undefined): string =>
  value == null ? NOTHING : compact.format(value)
export const share = (value: number): string => shares.format(value)
export const score = (value: number): string => scores.format(value)

/** What money is counted in: nano-USD. */
const MONEY_DIGITS = 9

/** USD from the API's exact decimal; as many digits as a small sum needs. Null is unknown, which is not nothing. */
export function money(value: string | null | undefined): string {
  if (value == null) return 'unknown'
  const amount = Number(value)
  const size = Math.abs(amount)
  // Two digits that say something, however many zeros are before them.
  const small = Math.min(MONEY_DIGITS, Math.max(6, Math.ceil(-Math.log10(size)) + 1))
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : small
  return new Intl.NumberFormat(undefined, {
    style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: digits,
  }).format(amount) // prettier-ignore
}

export function duration(ms: number | null | undefined): string {
  if (ms == null) return NOTHING
  if (ms < 1_000) return `${counts.format(Math.round(ms))} ms`
  if (ms < 120_000) return `${counts.format(Math.round(ms / 100) / 10)} s`
  if (ms < 7_200_000) return `${counts.format(Math.round(ms / 6_000) / 10)} min`
  return `${counts.format(Math.round(ms / 360_000) / 10)} h`
}

export const instant = (at: string | number): string => instants.format(new Date(at))
/** Month, day and time to the millisecond: for rows of a log. */
export const clock = (at: string | number): string => clocks.format(new Date(at))
export const day = (at: string | number): string => days.format(new Date(at))

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 31_536_000_000], ['month', 2_592_000_000], ['day', 86_400_000], ['hour', 3_600_000], ['minute', 60_000],
] // prettier-ignore

/** "3 minutes ago", "in 2 hours". */
export function ago(at: string | number, now: number = Date.now()): string {
  const ms = new Date(at).getTime() - now
  const unit = UNITS.find(([, length]) => Math.abs(ms) >= length)
  return unit ? relative.format(Math.round(ms / unit[1]), unit[0]) : relative.format(Math.round(ms / 1_000), 'second')
}

/** The first characters of a commit, enough to know it by. */
export const shortRevision = (revision: string): string => revision.slice(0, 8)
