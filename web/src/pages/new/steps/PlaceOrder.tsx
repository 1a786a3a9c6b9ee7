import { ActionIcon, Group, Text } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconX } from '@tabler/icons-react';
import { useEffect, useRef } from 'react';
import classes from './PlaceOrder.module.css';

/** The offers that were chosen; where their order counts, each can be moved up and down. */
export function PlaceOrder({
  offers,
  isOrdered,
  onChange,
}: {
  offers: string[];
  isOrdered: boolean;
  onChange: (offers: string[]) => void;
}) {
  const list = useRef<HTMLOListElement>(null);
  const moved = useRef<number | null>(null);
  useEffect(() => {
    // The row that was moved keeps the keyboard.
    if (moved.current === null) return;
    list.current?.children[moved.current]?.querySelector<HTMLElement>('[data-handle]')?.focus();
    moved.current = null;
  }, [offers]);
  if (offers.length === 0) return null;

  function move(from: number, to: number) {
    const key = offers[from];
    if (key === undefined || to < 0 || to >= offers.length) return;
    const after = offers.filter((_, index) => index !== from);
    after.splice(to, 0, key);
    moved.current = to;
    onChange(after);
  }

  function remove(at: number) {
    onChange(offers.filter((_, index) => index !== at));
  }

  return (
    <ol className={classes.list} ref={list} aria-label={isOrdered ? 'Order of preference' : 'Chosen offers'}>
      {offers.map((key, index) => {
        const name = nameOf(key);
        return (
          <li key={key} className={classes.row}>
            <span className={classes.rank} aria-hidden>
              {isOrdered ? index + 1 : '·'}
            </span>
            <Text size="sm" className={classes.name}>
              {name}
            </Text>
            <Group gap={4} wrap="nowrap">
              {isOrdered ? (
                <>
                  <ActionIcon
                    data-handle
                    variant="subtle"
                    color="gray"
                    aria-label={`Move ${name} up`}
                    aria-disabled={index === 0}
                    data-disabled={index === 0 || undefined}
                    onClick={() => move(index, index - 1)}
                    onKeyDown={(event) => {
                      if (event.key === 'ArrowUp') move(index, index - 1);
                      else if (event.key === 'ArrowDown') move(index, index + 1);
                      else return;
                      event.preventDefault();
                    }}
                  >
                    <IconArrowUp size={16} />
                  </ActionIcon>
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={`Move ${name} down`}
                    aria-disabled={index === offers.length - 1}
                    data-disabled={index === offers.length - 1 || undefined}
                    onClick={() => move(index, index + 1)}
                  >
                    <IconArrowDown size={16} />
                  </ActionIcon>
                </>
              ) : null}
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove ${name}`}
                onClick={() => remove(index)}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
          </li>
        );
      })}
    </ol>
  );
}

/** An offer as its key names it: `aws us-east-1, H100-SXM x8, on-demand`. */
function nameOf(key: string): string {
  const [provider, region, , machine, accelerator, count, market] = key
    .split('|')
    .map((part) => part.replaceAll('%7C', '|').replaceAll('%25', '%'));
  const place = provider === region ? provider : [provider, region].filter(Boolean).join(' ');
  const what = accelerator ? `${accelerator} x${count ?? ''}` : machine;
  return [place, what, market?.replace('_', '-')].filter(Boolean).join(', ');
}
