/** Colours of series, in their order: apart from one another for people who see few colours, too (Okabe and Ito's). */
const LIGHT = ['#1f63d6', '#c2410c', '#047857', '#a21caf', '#a16207', '#0e7490', '#b91c1c', '#4d7c0f'] as const
const DARK = ['#74a2ef', '#fb923c', '#34d399', '#e879f9', '#facc15', '#22d3ee', '#f87171', '#a3e635'] as const

export const MOST_SERIES = LIGHT.length

export function colorOf(number: number, scheme: 'light' | 'dark'): string {
  const colors = scheme === 'dark' ? DARK : LIGHT
  return colors[number % colors.length] ?? LIGHT[0]
}
