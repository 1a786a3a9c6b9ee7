import { Button, Group, NumberInput, Popover, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconChevronDown, IconDeviceDesktop } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import { $api } from '@/api/client';
import type { SearchState } from './useSearch';
import classes from './offers.module.css';

/** How much work the totals are for: hours, and of which GPU they are. */
export function WorkMenu({ state }: { state: SearchState }) {
  const { search, fixed, change } = state;
  const gpus = $api.useQuery('get', '/api/v1/gpus', {}, { staleTime: 600_000 });
  const hours = search.hours ?? 10;
  const [typed, setTyped] = useState<string | number | null>(null);
  const names = (gpus.data?.items ?? [])
    .filter((each) => each.architecture)
    .map((each) => ({ value: each.title, label: each.title }));
  const on = search.on ?? null;
  const options =
    on && !names.some((each) => each.value === on) ? [{ value: on, label: on }, ...names] : names;

  function take() {
    const value = Number(typed);
    if (typed !== null && typed !== '' && value > 0) change({ hours: value === 10 ? undefined : value });
    setTyped(null);
  }

  return (
    <Group gap={6} wrap="nowrap" className={classes.work}>
      <Text size="xs" c="var(--tw-quiet)">
        Totals for
      </Text>
      <NumberInput
        size="xs"
        w={84}
        aria-label="Hours of work"
        suffix=" h"
        min={0}
        max={876000}
        decimalScale={2}
        hideControls
        disabled={fixed.hours !== undefined}
        value={typed ?? hours}
        onChange={setTyped}
        onBlur={take}
        onKeyDown={(event) => (event.key === 'Enter' ? take() : undefined)}
      />
      <Select
        size="xs"
        w={190}
        aria-label="GPU that the hours are of"
        placeholder="on every GPU alike"
        data={options}
        value={on}
        searchable
        clearable
        disabled={fixed.on !== undefined}
        onChange={(value) => change({ on: value ?? undefined })}
        comboboxProps={{ width: 240, position: 'bottom-start' }}
        maxDropdownHeight={320}
      />
      <OwnMachine state={state} />
    </Group>
  );
}

/** What the user's own machine costs, where the server is not that machine. */
function OwnMachine({ state: { search, change } }: { state: SearchState }) {
  const [isOpen, setOpen] = useState(false);
  const [gpu, setGpu] = useState('');
  const [cost, setCost] = useState<string | number>('');

  function open(next: boolean) {
    setGpu(search.local_gpu ?? '');
    setCost(search.local_cost ?? '');
    setOpen(next);
  }

  function apply(event: FormEvent) {
    event.preventDefault();
    const isSet = cost !== '';
    change({ local_cost: isSet ? cost : undefined, local_gpu: isSet && gpu.trim() ? gpu.trim() : undefined });
    setOpen(false);
  }

  return (
    <Popover
      opened={isOpen}
      onChange={open}
      position="bottom-end"
      shadow="md"
      width={300}
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          className={classes.filter}
          data-set={search.local_cost !== undefined || undefined}
          leftSection={<IconDeviceDesktop size={14} aria-hidden />}
          rightSection={<IconChevronDown size={13} aria-hidden />}
          onClick={() => open(!isOpen)}
        >
          My machine
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="My machine">
        <form onSubmit={apply}>
          <Stack gap="xs">
            <Text size="xs" c="var(--tw-quiet)">
              Savings are told against it. Where the server runs on it, its electricity is known already.
            </Text>
            <NumberInput
              size="xs"
              label="It costs, per hour of running"
              prefix="$"
              min={0}
              decimalScale={6}
              hideControls
              value={cost}
              onChange={setCost}
              data-autofocus
            />
            <TextInput
              size="xs"
              label="Its GPU"
              placeholder="RTX 4090, or H100:8"
              value={gpu}
              onChange={(event) => setGpu(event.currentTarget.value)}
            />
            <Group gap="xs" grow>
              <Button
                size="xs"
                variant="default"
                onClick={() => (change({ local_cost: undefined, local_gpu: undefined }), setOpen(false))}
              >
                Forget it
              </Button>
              <Button size="xs" type="submit">
                Apply
              </Button>
            </Group>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
