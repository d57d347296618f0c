/** Light, dark, or what the system says. */
import { SegmentedControl, useMantineColorScheme, VisuallyHidden, type MantineColorScheme } from '@mantine/core'
import { IconDeviceDesktop, IconMoon, IconSun, type Icon } from '@tabler/icons-react'

const CHOICES: [MantineColorScheme, string, Icon][] = [
  ['light', 'Light', IconSun],
  ['auto', 'As the system', IconDeviceDesktop],
  ['dark', 'Dark', IconMoon],
]

export function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      fullWidth
      aria-label="Theme"
      value={colorScheme}
      onChange={(value) => setColorScheme(value as MantineColorScheme)}
      data={CHOICES.map(([value, label, Icon]) => ({
        value,
        label: (
          <>
            <Icon size={14} stroke={1.6} aria-hidden />
            <VisuallyHidden>{label}</VisuallyHidden>
          </>
        ),
      }))}
    />
  )
}
