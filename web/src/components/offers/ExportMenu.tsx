import { Button, Menu } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { base } from '@/api/client';
import { searchText } from './search';
import type { OfferSearch } from './types';

/** The offers that are shown, in the order shown, as a file. */
export function ExportMenu({ search }: { search: OfferSearch }) {
  const address = (format: string) => `${base}/api/v1/offers/export?${searchText(search, { format })}`;
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconDownload size={14} aria-hidden />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Exactly what is shown</Menu.Label>
        <Menu.Item component="a" href={address('csv')} download>
          CSV
        </Menu.Item>
        <Menu.Item component="a" href={address('json')} download>
          JSON
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
