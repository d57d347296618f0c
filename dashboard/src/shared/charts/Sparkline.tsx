/** A trend in the height of a line of text. Its figures are in its name, for who does not see it. */
interface Props {
  values: readonly number[]
  /** What it shows, with its figures: "Calls a day: 3, 5, 8". */
  label: string
  width?: number
  height?: number
}

const EDGE = 2

export function Sparkline({ values, label, width = 72, height = 18 }: Props) {
  const greatest = Math.max(...values, 1e-12)
  const step = (width - 2 * EDGE) / Math.max(1, values.length - 1)
  const points = values.map((value, index) => {
    const y = height - EDGE - (value / greatest) * (height - 2 * EDGE)
    return `${(EDGE + index * step).toFixed(1)},${y.toFixed(1)}`
  })
  return (
    <svg width={width} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      <polyline
        points={points.join(' ')}
        fill="none"
        stroke="var(--mantine-primary-color-filled)"
        strokeWidth="1.5"
        strokeLinejoin="round"
      />
    </svg>
  )
}
