import { ActionIcon, Group, Text, Tooltip } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay, IconRefresh } from '@tabler/icons-react';
import { useLive } from '@/api/stream';
import { StateBadge } from '@/components/StateBadge';
import { When } from '@/components/When';
import type { Page } from './types';
import { useRefresh } from './useRefresh';
import classes from './offers.module.css';

/** How the price sources are, and when the page asks again; it can be held still. */
export function RefreshBar({
  page,
  updatedAt,
  isBusy,
  refresh,
}: {
  page: Page | undefined;
  updatedAt: number;
  isBusy: boolean;
  refresh: () => void;
}) {
  const { isPaused, setPaused, left } = useRefresh(updatedAt, isBusy, refresh);
  const sources = page?.sources;
  return (
    <Group gap={8} className={classes.refresh} wrap="wrap">
      {isPaused ? null : <Follow />}
      {sources ? (
        <Group gap={6} wrap="nowrap" miw={0}>
          <StateBadge badge={sources.badge} size="sm" />
          <Text size="xs" c="var(--tw-quiet)" truncate title={sources.text}>
            {sources.text}
            {sources.newest_at ? (
              <>
                {' '}
                Newest <When at={sources.newest_at} />.
              </>
            ) : null}
          </Text>
        </Group>
      ) : null}
      <Group gap={2} wrap="nowrap" ml="auto">
        <Text size="xs" c="var(--tw-quiet)" className={classes.countdown}>
          {isPaused ? 'Paused' : isBusy ? 'Asking…' : `Again in ${left} s`}
        </Text>
        <Tooltip label={isPaused ? 'Go on' : 'Hold still'}>
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={() => setPaused(!isPaused)}
            aria-label={isPaused ? 'Refresh by itself again' : 'Pause refreshing'}
          >
            {isPaused ? <IconPlayerPlay size={14} /> : <IconPlayerPause size={14} />}
          </ActionIcon>
        </Tooltip>
        <Tooltip label="Refresh now">
          <ActionIcon
            variant="subtle"
            color="gray"
            size="sm"
            onClick={refresh}
            loading={isBusy}
            aria-label="Refresh now"
          >
            <IconRefresh size={14} />
          </ActionIcon>
        </Tooltip>
      </Group>
    </Group>
  );
}

/** New prices are shown as they come, unless the page is held still. */
function Follow() {
  useLive('prices');
  return null;
}
