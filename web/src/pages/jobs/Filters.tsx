import { Button, Group, MultiSelect, Popover, Stack, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconAdjustmentsHorizontal, IconSearch, IconX } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import type { Schemas } from '@/api/client';
import { StateBadge } from '@/components/StateBadge';
import { formatCount } from '@/lib/format';
import type { useUrlState } from '@/lib/url';
import { ALL, CHOICES, isFiltered } from './filters';
import classes from './jobs.module.css';

type Url = ReturnType<typeof useUrlState>;
type Facets = Schemas['FacetsView'];

/** What narrows the list down; all of it is in the address. */
export function Filters({ url, facets }: { url: Url; facets: Facets | null }) {
  const more = [...CHOICES.map((each) => each.name), 'since', 'until'];
  const set = more.filter((name) => url.list(name).length > 0).length;
  return (
    <Stack gap="sm" mb="md">
      <Group gap="xs">
        <Search url={url} />
        <Popover position="bottom-start" withArrow shadow="md" trapFocus width={340}>
          <Popover.Target>
            <Button variant="default" leftSection={<IconAdjustmentsHorizontal size={16} aria-hidden />}>
              Filters{set ? ` (${set})` : ''}
            </Button>
          </Popover.Target>
          <Popover.Dropdown>
            <Stack gap="sm">
              {CHOICES.map(({ name, label }) => (
                <Choice key={name} url={url} name={name} label={label} found={facets?.[name] ?? []} />
              ))}
              <Group grow>
                <Day url={url} name="since" label="Submitted from" />
                <Day url={url} name="until" label="Submitted until" />
              </Group>
            </Stack>
          </Popover.Dropdown>
        </Popover>
        {isFiltered(url) ? <Clear url={url} /> : null}
      </Group>
      <Statuses url={url} facets={facets} />
    </Stack>
  );
}

export function Clear({ url, label = 'Clear filters' }: { url: Url; label?: string }) {
  return (
    <Button
      variant="subtle"
      color="gray"
      leftSection={<IconX size={14} aria-hidden />}
      onClick={() => url.set(Object.fromEntries(ALL.map((name) => [name, null])))}
    >
      {label}
    </Button>
  );
}

function Search({ url }: { url: Url }) {
  const inAddress = url.text('q');
  const [text, setText] = useState(inAddress);
  const [known, setKnown] = useState(inAddress);
  if (known !== inAddress) {
    setKnown(inAddress);
    setText(inAddress);
  }
  const write = useDebouncedCallback((q: string) => url.set({ q }), 250);
  useEffect(() => () => write.cancel(), [write]);
  return (
    <TextInput
      aria-label="Search jobs"
      placeholder="Name, id or tag"
      leftSection={<IconSearch size={16} aria-hidden />}
      value={text}
      className={classes.search}
      onChange={(event) => {
        setText(event.currentTarget.value);
        write(event.currentTarget.value);
      }}
    />
  );
}

function Statuses({ url, facets }: { url: Url; facets: Facets | null }) {
  const chosen = url.list('status');
  return (
    <div className={classes.chips} role="group" aria-label="State">
      {facets?.status.map((each) => {
        const isOn = chosen.includes(each.value);
        return (
          <UnstyledButton
            key={each.value}
            className={classes.chip}
            aria-pressed={isOn}
            data-empty={each.count === 0 || undefined}
            onClick={() =>
              url.set({
                status: isOn ? chosen.filter((value) => value !== each.value) : [...chosen, each.value],
              })
            }
          >
            {each.badge ? <StateBadge badge={each.badge} size="sm" /> : each.label}
            <span className={classes.count}>{formatCount(each.count)}</span>
          </UnstyledButton>
        );
      })}
    </div>
  );
}

function Choice({
  url,
  name,
  label,
  found,
}: {
  url: Url;
  name: string;
  label: string;
  found: Schemas['JobFacetView'][];
}) {
  const chosen = url.list(name);
  const counts = new Map(found.map((each) => [each.value, each.count]));
  // What is chosen stays on offer, whatever the other filters leave of it.
  const values = [...new Set([...counts.keys(), ...chosen])];
  return (
    <MultiSelect
      label={label}
      placeholder={chosen.length ? undefined : 'Any'}
      data={values}
      value={chosen}
      onChange={(value) => url.set({ [name]: value })}
      searchable
      clearable
      comboboxProps={{ withinPortal: false }}
      renderOption={({ option }) => (
        <Group justify="space-between" wrap="nowrap" w="100%">
          <span>{option.label}</span>
          <span className={classes.count}>{formatCount(counts.get(option.value) ?? 0)}</span>
        </Group>
      )}
    />
  );
}

function Day({ url, name, label }: { url: Url; name: string; label: string }) {
  return (
    <TextInput
      type="date"
      label={label}
      value={url.text(name)}
      onChange={(event) => url.set({ [name]: event.currentTarget.value })}
    />
  );
}
