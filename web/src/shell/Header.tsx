import {
  ActionIcon,
  Button,
  Group,
  Kbd,
  Loader,
  Tooltip,
  UnstyledButton,
  useMantineColorScheme,
  useComputedColorScheme,
} from '@mantine/core';
import { useDocumentVisibility } from '@mantine/hooks';
import { spotlight } from '@mantine/spotlight';
import { IconMoon, IconPlus, IconSearch, IconSun } from '@tabler/icons-react';
import { Link } from 'react-router';
import { useLiveState } from '@/api/stream';
import { StateBadge } from '@/components/StateBadge';
import classes from './Header.module.css';

export function Header({ isLoading }: { isLoading: boolean }) {
  return (
    <Group justify="space-between" wrap="nowrap" style={{ flex: 1 }}>
      <UnstyledButton className={classes.search} onClick={spotlight.open}>
        <IconSearch size={16} stroke={1.8} aria-hidden />
        <span className={classes.hint}>Search jobs and pages</span>
        <Kbd size="xs" className={classes.keys} aria-hidden>
          Ctrl K
        </Kbd>
      </UnstyledButton>
      <Group gap={8} wrap="nowrap">
        {isLoading ? <Loader size={16} aria-label="Loading" /> : null}
        <Connection />
        <SchemeToggle />
        <Button
          component={Link}
          to="/new"
          size="xs"
          leftSection={<IconPlus size={15} aria-hidden />}
          visibleFrom="sm"
        >
          New job
        </Button>
      </Group>
    </Group>
  );
}

function Connection() {
  const state = useLiveState();
  const isSeen = useDocumentVisibility() === 'visible';
  if (state !== 'reconnecting' || !isSeen) return <span role="status" />;
  return (
    <span role="status">
      <StateBadge
        badge={{
          label: 'reconnecting',
          tone: 'warning',
          icon: 'plug',
          explanation: 'The server does not answer. Jobs go on meanwhile; this page catches up by itself.',
        }}
      />
    </span>
  );
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme();
  const scheme = useComputedColorScheme('light');
  const other = scheme === 'dark' ? 'light' : 'dark';
  return (
    <Tooltip label={`Switch to ${other}`}>
      <ActionIcon
        variant="subtle"
        color="gray"
        onClick={() => setColorScheme(other)}
        aria-label={`Switch to ${other} colours`}
      >
        {scheme === 'dark' ? <IconSun size={18} stroke={1.7} /> : <IconMoon size={18} stroke={1.7} />}
      </ActionIcon>
    </Tooltip>
  );
}
