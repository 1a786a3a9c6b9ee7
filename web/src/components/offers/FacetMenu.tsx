import { Button, Checkbox, Popover, Radio, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { IconChevronDown, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { formatCount } from '@/lib/format';
import type { Facet } from './types';
import classes from './offers.module.css';

const MANY = 9;

/** One filter: its values with how many offers each would give, and the least price among them. */
export function FacetMenu({
  facet,
  onChange,
  isFixed = false,
}: {
  facet: Facet;
  onChange: (values: string[]) => void;
  isFixed?: boolean;
}) {
  const [text, setText] = useState('');
  // What was picked stands at once; the counts follow with the server's answer, which brings another facet.
  const [picked, setPicked] = useState<{ facet: Facet; values: string[] } | null>(null);
  const chosen =
    picked?.facet === facet
      ? picked.values
      : facet.values.filter((each) => each.is_chosen).map((each) => each.value);
  const wanted = text.trim().toLowerCase();
  const shown = facet.values.filter((each) => each.label.toLowerCase().includes(wanted));

  function take(values: string[]) {
    setPicked({ facet, values });
    onChange(values);
  }

  function pick(value: string, isOn: boolean) {
    if (facet.choice === 'one') take(isOn ? [value] : []);
    else take(isOn ? [...chosen, value] : chosen.filter((each) => each !== value));
  }

  return (
    <Popover
      position="bottom-start"
      shadow="md"
      width={330}
      trapFocus
      returnFocus
      onClose={() => setText('')}
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          className={classes.filter}
          data-set={chosen.length > 0 || undefined}
          disabled={isFixed}
          title={isFixed ? 'Set by what is being looked for here' : undefined}
          rightSection={<IconChevronDown size={13} aria-hidden />}
        >
          {facet.title}
          {chosen.length > 0 ? <span className={classes.number}>{chosen.length}</span> : null}
        </Button>
      </Popover.Target>
      <Popover.Dropdown p={8} aria-label={facet.title}>
        {facet.values.length > MANY ? (
          <TextInput
            size="xs"
            mb={6}
            placeholder={`Find in ${facet.values.length + facet.left_out}`}
            aria-label={`Find in ${facet.title}`}
            leftSection={<IconSearch size={14} aria-hidden />}
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
        ) : null}
        <ScrollArea.Autosize mah={340} type="auto" offsetScrollbars="y">
          <Stack gap={0} role="group" aria-label={facet.title}>
            {shown.map((each) => {
              const Control = facet.choice === 'one' ? Radio : Checkbox;
              return (
                <label key={each.value} className={classes.value}>
                  <Control
                    size="xs"
                    checked={chosen.includes(each.value)}
                    onChange={(event) => pick(each.value, event.currentTarget.checked)}
                    onClick={() =>
                      facet.choice === 'one' && chosen.includes(each.value) ? take([]) : undefined
                    }
                    name={facet.name}
                    aria-label={`${each.label}: ${formatCount(each.count)} offers`}
                  />
                  <span className={classes.label}>{each.label}</span>
                  {each.from_price ? <span className={classes.from}>from {each.from_price.text}</span> : null}
                  <span className={classes.count}>{formatCount(each.count)}</span>
                </label>
              );
            })}
            {shown.length === 0 ? (
              <Text size="sm" c="var(--tw-quiet)" p="xs">
                {facet.values.length === 0 ? 'Nothing fits the other filters.' : 'None is called that.'}
              </Text>
            ) : null}
          </Stack>
        </ScrollArea.Autosize>
        {facet.left_out > 0 ? (
          <Text size="xs" c="var(--tw-quiet)" mt={6}>
            {formatCount(facet.left_out)} more with fewer offers.
          </Text>
        ) : null}
        {chosen.length > 0 ? (
          <Button size="compact-xs" variant="subtle" color="gray" mt={6} onClick={() => take([])}>
            Clear
          </Button>
        ) : null}
      </Popover.Dropdown>
    </Popover>
  );
}
