import type { Schemas } from '@/api/client';
import { dollarsOf, microOf } from '@/lib/money';

export type Condition = Schemas['AlertCondition'];

/** What the form holds: texts as they are typed. */
export interface Draft {
  name: string;
  kind: Condition['kind'];
  per: 'hour' | 'accelerator_hour';
  below: string;
  drop: string;
  window: string;
  step: string;
  gpus: string[];
  count: string;
  providers: string[];
  regions: string[];
  markets: string[];
  channels: string[];
}

export const EMPTY: Draft = {
  name: '',
  kind: 'price_below',
  per: 'accelerator_hour',
  below: '',
  drop: '10',
  window: '',
  step: '',
  gpus: [],
  count: '',
  providers: [],
  regions: [],
  markets: [],
  channels: [],
};

function number(text: string): number | null {
  const value = Number.parseFloat(text.replace(',', '.'));
  return Number.isFinite(value) ? value : null;
}

/** The condition that the form stands for; null while something that it needs is missing. */
export function conditionOf(draft: Draft): Schemas['AlertCondition'] | null {
  const below = number(draft.below);
  const drop = number(draft.drop);
  const count = number(draft.count);
  if (draft.kind === 'price_below' && !below) return null;
  if (draft.kind === 'price_drop' && !drop) return null;
  const isDrop = draft.kind === 'price_drop';
  return {
    kind: draft.kind,
    per: draft.per,
    below_micro: draft.kind === 'price_below' && below ? microOf(below) : null,
    drop_percent: isDrop ? drop : null,
    window_hours: isDrop ? number(draft.window) : null,
    step_percent: draft.kind === 'available_again' ? null : number(draft.step),
    rearm_percent: 2,
    quiet_minutes: 60,
    filters: {
      accelerators: draft.gpus,
      min_count: count,
      max_count: null,
      min_memory_gb: null,
      providers: draft.providers,
      regions: draft.regions,
      markets: draft.markets as Schemas['Market'][],
    },
  };
}

/** The form for an alert that is there. */
export function draftOf(alert: Schemas['AlertView']): Draft {
  const { condition } = alert;
  const text = (value: number | null | undefined) =>
    value === null || value === undefined ? '' : String(value);
  return {
    name: alert.name,
    kind: condition.kind,
    per: condition.per ?? 'accelerator_hour',
    below: condition.below_micro ? text(dollarsOf(condition.below_micro)) : '',
    drop: text(condition.drop_percent),
    window: text(condition.window_hours),
    step: text(condition.step_percent),
    gpus: condition.filters?.accelerators ?? [],
    count: text(condition.filters?.min_count),
    providers: condition.filters?.providers ?? [],
    regions: condition.filters?.regions ?? [],
    markets: condition.filters?.markets ?? [],
    channels: alert.channels.map((channel) => channel.name),
  };
}
