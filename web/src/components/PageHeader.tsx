import { Group, Stack, Text, Title } from '@mantine/core';
import { useEffect, type ReactNode } from 'react';

/** A page's title, what it says in one line, and what can be done on it. Sets the tab's title, too. */
export function PageHeader({
  title,
  about,
  actions,
  tab,
}: {
  title: ReactNode;
  about?: ReactNode;
  actions?: ReactNode;
  tab?: string;
}) {
  const name = tab ?? (typeof title === 'string' ? title : '');
  useEffect(() => {
    document.title = name ? `${name} · Tradewind` : 'Tradewind';
  }, [name]);
  return (
    <Group justify="space-between" align="flex-start" gap="md" mb="lg" wrap="wrap">
      <Stack gap={2} miw={0} style={{ flex: '1 1 20rem' }}>
        <Title order={1}>{title}</Title>
        {about ? (
          <Text c="var(--tw-quiet)" size="sm" component="div">
            {about}
          </Text>
        ) : null}
      </Stack>
      {actions ? <Group gap="xs">{actions}</Group> : null}
    </Group>
  );
}
