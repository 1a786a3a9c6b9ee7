import { Group, Paper, Title } from '@mantine/core';
import type { ReactNode } from 'react';

/** A framed part of a page. */
export function Panel({
  title,
  aside,
  children,
  padding = 'md',
}: {
  title?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  padding?: 'md' | 0;
}) {
  return (
    <Paper
      withBorder
      component="section"
      bg="var(--tw-raised)"
      style={{ borderColor: 'var(--tw-line)', overflow: 'hidden' }}
    >
      {title ? (
        <Group justify="space-between" px="md" pt="sm" pb={padding === 0 ? 'sm' : 0}>
          <Title order={2}>{title}</Title>
          {aside}
        </Group>
      ) : null}
      <div style={{ padding: padding === 0 ? 0 : 'var(--mantine-spacing-md)' }}>{children}</div>
    </Paper>
  );
}
