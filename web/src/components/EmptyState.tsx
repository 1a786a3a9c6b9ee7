import { Stack, Text, ThemeIcon, Title } from '@mantine/core';
import { IconInbox, type Icon } from '@tabler/icons-react';
import type { ReactNode } from 'react';

/** Says that there is nothing, why, and what to do about it. */
export function EmptyState({
  title,
  children,
  action,
  icon: Picture = IconInbox,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
  icon?: Icon;
}) {
  return (
    <Stack align="center" gap="xs" py={48} px="md" ta="center">
      <ThemeIcon variant="light" size={44} radius="xl" aria-hidden>
        <Picture size={22} stroke={1.6} />
      </ThemeIcon>
      <Title order={2} size="h4">
        {title}
      </Title>
      {children ? (
        <Text size="sm" c="var(--tw-quiet)" maw={520} component="div">
          {children}
        </Text>
      ) : null}
      {action}
    </Stack>
  );
}
