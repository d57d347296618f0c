/** The frame around every page: navigation, theme, who is signed in, and the keyboard's ways. */
import { AppShell, Burger, Group, NavLink, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Suspense, useMemo } from 'react'
import { Navigate, NavLink as RouterLink, Outlet, useLocation, useNavigation } from 'react-router'
import { ChangeProvider } from '../shared/change'
import { Waiting } from '../shared/Waiting'
import { CONTENT, useArrival } from './arrival'
import { useKeyboardWays } from './keyboard'
import { placesOf, type Place } from './navigation'
import { ThemeSwitch } from './ThemeSwitch'
import { useViewer } from './Viewer'
import { Who } from './Who'

export function Frame() {
  const [opened, { toggle, close }] = useDisclosure()
  const loading = useNavigation().state === 'loading'
  const viewer = useViewer()
  const places = useMemo(() => placesOf(viewer), [viewer])
  const { pathname } = useLocation()
  const home = places[0]?.path ?? '/'
  useKeyboardWays(places)
  useArrival()
  return (
    <ChangeProvider>
      <a className="skip" href={`#${CONTENT}`}>
        To the content
      </a>
      <AppShell
        header={{ height: { base: 44, sm: 0 } }}
        navbar={{ width: 196, breakpoint: 'sm', collapsed: { mobile: !opened } }}
        padding="lg"
      >
        <AppShell.Header hiddenFrom="sm" px="md">
          <Group h="100%">
            <Burger opened={opened} onClick={toggle} size="sm" aria-label="Navigation" aria-expanded={opened} />
            <Text fw={600}>Waybill</Text>
          </Group>
        </AppShell.Header>
        <AppShell.Navbar p="xs" aria-label="Main">
          <Text fw={700} px="sm" py="xs" visibleFrom="sm">
            Waybill
          </Text>
          <AppShell.Section grow>
            <Places places={places} onGo={close} />
          </AppShell.Section>
          <AppShell.Section>
            <ThemeSwitch />
            <Who />
          </AppShell.Section>
        </AppShell.Navbar>
        <AppShell.Main id={CONTENT} tabIndex={-1} aria-busy={loading}>
          {loading && <Waiting />}
          <Suspense fallback={<Waiting />}>
            {pathname === '/' && home !== '/' ? <Navigate to={home} replace /> : <Outlet />}
          </Suspense>
        </AppShell.Main>
      </AppShell>
    </ChangeProvider>
  )
}

function Places({ places, onGo }: { places: readonly Place[]; onGo: () => void }) {
  const { pathname } = useLocation()
  return places.map(({ path, label, icon: Icon, key }) => {
    const here = path === '/' ? pathname === '/' : pathname === path || pathname.startsWith(`${path}/`)
    return (
      <NavLink
        key={path}
        component={RouterLink}
        to={path}
        label={label}
        leftSection={<Icon size={16} stroke={1.6} aria-hidden />}
        active={here}
        aria-current={here ? 'page' : undefined}
        aria-keyshortcuts={`g ${key}`}
        title={`g ${key}`}
        onClick={onGo}
        py={6}
      />
    )
  })
}
