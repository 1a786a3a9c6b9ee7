import { ActionIcon, Button, Group, Menu, Popover, TextInput } from '@mantine/core';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { $api, queries } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatCount } from '@/lib/format';
import type { OfferSearch } from './types';

const PATH = '/api/v1/offers/views';

/** Searches kept under a name, on the server: they are there on every machine. */
export function SavedViews({ search, onOpen }: { search: OfferSearch; onOpen: (query: string) => void }) {
  const views = $api.useQuery('get', PATH, {}, { staleTime: 60_000 });
  const stale = () => queries.invalidateQueries({ queryKey: ['get', PATH] });
  const remove = $api.useMutation('delete', '/api/v1/offers/views/{name}', { onSuccess: stale });
  const items = views.data?.items ?? [];
  return (
    <Group gap={6} wrap="nowrap">
      <Menu position="bottom-end" width={320} shadow="md">
        <Menu.Target>
          <Button size="xs" variant="default" leftSection={<IconBookmark size={14} aria-hidden />}>
            Views{items.length ? ` (${items.length})` : ''}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          {items.length === 0 ? (
            <Menu.Label>None is saved yet. Set filters, then save them.</Menu.Label>
          ) : null}
          {items.map((view) => (
            <Group key={view.name} gap={2} wrap="nowrap">
              <Menu.Item onClick={() => onOpen(view.query)} style={{ minWidth: 0 }}>
                <b>{view.name}</b>
                <br />
                <small style={{ color: 'var(--tw-quiet)' }}>
                  {formatCount(view.matching)} offers
                  {view.cheapest?.total ? `, from ${view.cheapest.total.text}` : ''} · {view.summary}
                </small>
              </Menu.Item>
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove view ${view.name}`}
                onClick={() => remove.mutate({ params: { path: { name: view.name } } })}
              >
                <IconTrash size={15} />
              </ActionIcon>
            </Group>
          ))}
        </Menu.Dropdown>
      </Menu>
      <SaveView search={search} onSaved={stale} />
    </Group>
  );
}

function SaveView({ search, onSaved }: { search: OfferSearch; onSaved: () => Promise<void> }) {
  const [isOpen, setOpen] = useState(false);
  const [name, setName] = useState('');
  const save = $api.useMutation('put', '/api/v1/offers/views/{name}', {
    onSuccess: async () => {
      await onSaved();
      setOpen(false);
      setName('');
    },
  });

  function submit(event: FormEvent) {
    event.preventDefault();
    if (name.trim()) save.mutate({ params: { path: { name: name.trim() } }, body: { search } });
  }

  return (
    <Popover
      opened={isOpen}
      onChange={setOpen}
      position="bottom-end"
      width={280}
      shadow="md"
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button size="xs" variant="default" onClick={() => setOpen(!isOpen)}>
          Save view
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Save view">
        <form onSubmit={submit}>
          <TextInput
            size="xs"
            label="Name of this view"
            placeholder="H100 under $3"
            maxLength={64}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            data-autofocus
          />
          <ProblemAlert error={save.error} />
          <Button type="submit" size="xs" mt="xs" fullWidth disabled={!name.trim()} loading={save.isPending}>
            Save
          </Button>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
