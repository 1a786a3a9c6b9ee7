import { Button, Table, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useState } from 'react';
import classes from './StackedBars.module.css';

export interface Stack {
  key: string;
  label: string;
  /** A CSS variable's name; in order where absent. */
  color?: string;
  /** One value for each step; only lengths against each other are drawn. */
  values: number[];
  /** The same as the server words it. */
  texts: string[];
  total: string;
}

interface Props {
  label: string;
  /** What stands below each bar. */
  steps: string[];
  stacks: Stack[];
  /** From nothing upwards; the last is the top of the chart. */
  ticks: { value: number; text: string }[];
  height?: number;
  /** What the bars of a step come to, as the server words it. */
  onPick?: (stack: Stack) => void;
}

const colorOf = (stack: Stack, index: number) => `var(${stack.color ?? `--tw-series-${(index % 8) + 1}`})`;

/** Bars over time, each made of parts. The parts of the bar under the pointer or focus are named below. */
export function StackedBars({ label, steps, stacks, ticks, height = 240, onPick }: Props) {
  const [at, setAt] = useState<number | null>(null);
  const [isTable, { toggle }] = useDisclosure(false);
  const top = ticks.at(-1)?.value || 1;
  const every = Math.max(Math.ceil(steps.length / 8), 1);
  const text = `${label}. ${stacks.map((each) => `${each.label}: ${each.total}`).join('. ')}`;
  return (
    <figure className={classes.figure}>
      {isTable ? (
        <Numbers label={label} steps={steps} stacks={stacks} />
      ) : (
        <div className={classes.plot} role="img" aria-label={text}>
          <div className={classes.axis} style={{ height }}>
            {ticks.map((tick) => (
              <span key={tick.value} style={{ bottom: `${(tick.value / top) * 100}%` }}>
                {tick.text}
              </span>
            ))}
          </div>
          <div className={classes.columns} style={{ height }} onMouseLeave={() => setAt(null)}>
            {ticks.map((tick) => (
              <i key={tick.value} style={{ bottom: `${(tick.value / top) * 100}%` }} />
            ))}
            {steps.map((step, number) => (
              <div
                key={step}
                className={classes.column}
                data-active={at === number || undefined}
                onMouseEnter={() => setAt(number)}
              >
                {stacks.map((stack, index) => {
                  const share = Math.max(stack.values[number] ?? 0, 0) / top;
                  return share > 0 ? (
                    <b
                      key={stack.key}
                      style={{ height: `${share * 100}%`, background: colorOf(stack, index) }}
                    />
                  ) : null;
                })}
              </div>
            ))}
          </div>
          <div className={classes.steps}>
            {steps.map((step, number) => (
              <span key={step}>{number % every === 0 ? step : ''}</span>
            ))}
          </div>
        </div>
      )}
      <figcaption className={classes.caption}>
        <ul className={classes.legend} aria-label={at === null ? 'In all' : steps[at]}>
          <li className={classes.step}>{at === null ? 'In all' : steps[at]}</li>
          {stacks.map((stack, index) => (
            <li key={stack.key}>
              <span className={classes.dot} style={{ background: colorOf(stack, index) }} aria-hidden />
              {onPick ? (
                <button type="button" className={classes.name} onClick={() => onPick(stack)}>
                  {stack.label}
                </button>
              ) : (
                stack.label
              )}
              <strong>{at === null ? stack.total : stack.texts[at]}</strong>
            </li>
          ))}
        </ul>
        <Button variant="subtle" color="gray" size="compact-xs" onClick={toggle}>
          {isTable ? 'View as chart' : 'View as table'}
        </Button>
      </figcaption>
    </figure>
  );
}

function Numbers({ label, steps, stacks }: Pick<Props, 'label' | 'steps' | 'stacks'>) {
  return (
    <div className={classes.numbers} role="region" aria-label={`${label}, figures`} tabIndex={0}>
      {stacks.length === 0 ? <Text size="sm">Nothing.</Text> : null}
      <Table stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>From</Table.Th>
            {stacks.map((stack) => (
              <Table.Th key={stack.key} ta="right">
                {stack.label}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {steps.map((step, number) => (
            <Table.Tr key={step}>
              <Table.Td>{step}</Table.Td>
              {stacks.map((stack) => (
                <Table.Td key={stack.key} ta="right">
                  {stack.texts[number]}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
