import { Button, NumberInput, Popover, Stack } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useState, type FormEvent } from 'react';
import type { OfferSearch } from './types';
import classes from './offers.module.css';

/** Limits that are typed: prices and sizes. */
export function PriceMenu({
  search,
  fixed,
  onChange,
}: {
  search: OfferSearch;
  fixed: OfferSearch;
  onChange: (changes: OfferSearch) => void;
}) {
  const [isOpen, setOpen] = useState(false);
  const [values, setValues] = useState<Record<string, string | number>>({});
  const fields = [
    ['max_price', 'At most, per hour of the machine', '$'],
    ['max_gpu_price', 'At most, per GPU-hour', '$'],
    ['min_total_memory', 'Memory of all GPUs together, at least', 'GB'],
    ['min_cpus', 'Processors, at least', 'vCPU'],
    ['min_host_memory', 'Memory of the machine, at least', 'GiB'],
  ] as const;
  const count = fields.filter(([name]) => search[name] !== undefined && search[name] !== null).length;

  function open(next: boolean) {
    if (next) setValues(Object.fromEntries(fields.map(([name]) => [name, search[name] ?? ''])));
    setOpen(next);
  }

  function apply(event: FormEvent) {
    event.preventDefault();
    const given = (name: string) =>
      values[name] === '' || values[name] === undefined ? undefined : values[name];
    const number = (name: string) => (given(name) === undefined ? undefined : Number(given(name)));
    onChange({
      max_price: given('max_price'),
      max_gpu_price: given('max_gpu_price'),
      min_total_memory: number('min_total_memory'),
      min_cpus: number('min_cpus'),
      min_host_memory: number('min_host_memory'),
    });
    setOpen(false);
  }

  return (
    <Popover
      opened={isOpen}
      onChange={open}
      position="bottom-start"
      shadow="md"
      width={280}
      trapFocus
      returnFocus
    >
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          className={classes.filter}
          data-set={count > 0 || undefined}
          onClick={() => open(!isOpen)}
          rightSection={<IconChevronDown size={13} aria-hidden />}
        >
          Price and size
          {count > 0 ? <span className={classes.number}>{count}</span> : null}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Price and size">
        <form onSubmit={apply}>
          <Stack gap="xs">
            {fields.map(([name, label, unit], index) => (
              <NumberInput
                key={name}
                size="xs"
                label={label}
                min={0}
                decimalScale={unit === '$' ? 6 : 2}
                prefix={unit === '$' ? '$' : undefined}
                suffix={unit === '$' ? undefined : ` ${unit}`}
                hideControls
                disabled={fixed[name] !== undefined}
                value={values[name] ?? ''}
                onChange={(value) => setValues((before) => ({ ...before, [name]: value }))}
                data-autofocus={index === 0 || undefined}
              />
            ))}
            <Button type="submit" size="xs">
              Apply
            </Button>
          </Stack>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}
