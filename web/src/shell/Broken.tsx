import { Anchor, Box, Button, Code } from '@mantine/core';
import { IconCompassOff, IconMoodSad } from '@tabler/icons-react';
import { Link, useRouteError } from 'react-router';
import { EmptyState } from '@/components/EmptyState';
import { PageHeader } from '@/components/PageHeader';

/** There is no such page. */
export function NotFound() {
  return (
    <>
      <PageHeader title="Nothing here" />
      <EmptyState
        title="There is no page at this address"
        icon={IconCompassOff}
        action={
          <Anchor component={Link} to="/">
            Go to the first page
          </Anchor>
        }
      />
    </>
  );
}

/** A fault of the application's own. */
export function Broken() {
  const error = useRouteError();
  return (
    <Box p="xl">
      <EmptyState
        title="This page has broken"
        icon={IconMoodSad}
        action={<Button onClick={() => window.location.reload()}>Load it again</Button>}
      >
        Jobs are not touched by this. <Code>{error instanceof Error ? error.message : 'unknown'}</Code>
      </EmptyState>
    </Box>
  );
}
