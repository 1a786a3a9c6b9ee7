import { AppShell, Burger, Group, Loader } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Suspense, useEffect } from 'react';
import { Outlet, useLocation, useNavigation } from 'react-router';
import { Header } from './Header';
import { Keys } from './Keys';
import { Navigation } from './Navigation';
import { Search } from './Search';
import { SignedOut } from './SignedOut';
import classes from './Shell.module.css';

/** What is around every page: navigation, search, the state of the connection. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false);
  const { pathname } = useLocation();
  const isLoading = useNavigation().state === 'loading';
  useEffect(() => close(), [pathname, close]);
  return (
    <AppShell
      layout="alt"
      padding={0}
      header={{ height: 52 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
    >
      <a href="#content" className={classes.skip}>
        Skip to content
      </a>
      <AppShell.Header className={classes.header}>
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={toggle} hiddenFrom="sm" size="sm" aria-label="Navigation" />
          <Header isLoading={isLoading} />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar} aria-label="Main">
        <Navigation onClose={close} />
      </AppShell.Navbar>
      <AppShell.Main>
        <div id="content" className={classes.content} tabIndex={-1}>
          <Suspense fallback={<Loader size="sm" role="status" aria-label="Loading" />}>
            <Outlet />
          </Suspense>
        </div>
      </AppShell.Main>
      <Search />
      <Keys />
      <SignedOut />
    </AppShell>
  );
}
