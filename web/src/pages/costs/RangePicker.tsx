import { Group, SegmentedControl, Select, TextInput } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { useUrlState } from '@/lib/url';

const OWN = 'own';

/** Which range is shown; it stands in the address. */
export function RangePicker({
  ranges,
  since,
  until,
}: {
  ranges: Schemas['RangeChoice'][];
  since?: string;
  until?: string;
}) {
  const { text, set } = useUrlState();
  const isOwn = text('since') !== '' && text('until') !== '';
  const value = isOwn ? OWN : text('range', '30d');
  const choices = [
    ...ranges.map((each) => ({ value: each.name, label: each.label })),
    { value: OWN, label: 'Other' },
  ];

  function choose(name: string | null) {
    if (name === OWN) set({ range: null, since: dayBefore(since), until: lastDay(until) });
    else set({ range: name === '30d' ? null : name, since: null, until: null });
  }

  if (ranges.length === 0) return null;
  return (
    <Group gap="xs">
      <SegmentedControl
        visibleFrom="sm"
        size="xs"
        aria-label="Range"
        value={value}
        onChange={choose}
        data={choices}
      />
      <Select
        hiddenFrom="sm"
        size="xs"
        aria-label="Range"
        value={value}
        onChange={choose}
        data={choices}
        allowDeselect={false}
      />
      {isOwn ? (
        <>
          <Day label="First day" name="since" />
          <Day label="Last day" name="until" />
        </>
      ) : null}
    </Group>
  );
}

function Day({ label, name }: { label: string; name: 'since' | 'until' }) {
  const { text, set } = useUrlState();
  return (
    <TextInput
      size="xs"
      type="date"
      aria-label={label}
      value={text(name)}
      onChange={(event) => event.currentTarget.value && set({ [name]: event.currentTarget.value })}
    />
  );
}

const dayBefore = (at?: string) => (at ?? new Date().toISOString()).slice(0, 10);

/** The last day of a range that ends before this moment. */
const lastDay = (at?: string) => new Date((at ? Date.parse(at) : Date.now()) - 1).toISOString().slice(0, 10);
