import type { Schemas } from '@/api/client';
import { dollarsOf } from '@/lib/money';

type Budget = Schemas['BudgetView'];
type Request = Schemas['BudgetRequest'];
type Patch = Schemas['BudgetPatch'];

/** A budget as the form has it: amounts as people write them, for the server to read. */
export interface Draft {
  name: string;
  scope: Request['scope'];
  target: string;
  period: Request['period'];
  amount: string;
  action: Request['action'];
  thresholds: string[];
  channels: string[];
  hourly: string;
  jobs: string;
  anomalies: boolean;
}

export function draftOf(budget?: Budget): Draft {
  return {
    name: budget?.name ?? '',
    scope: budget?.scope ?? 'project',
    target: budget?.target ?? '',
    period: budget?.period ?? 'month',
    amount: written(budget?.amount),
    action: budget?.action ?? 'block_new',
    thresholds: (budget?.thresholds ?? [50, 80, 100]).map(String),
    channels: budget?.channels ?? [],
    hourly: written(budget?.max_cost_per_hour),
    jobs: budget?.max_concurrent_jobs?.toString() ?? '',
    anomalies: budget?.watches_anomalies ?? true,
  };
}

/** All digits of an amount, so that leaving it alone changes nothing. */
function written(amount?: Schemas['MoneyView'] | null): string {
  if (!amount) return '';
  const text = dollarsOf(amount.micro).toFixed(6);
  return text.replace(/(\.\d\d)(\d*?)0+$/, '$1$2');
}

const whole = (text: string): number | undefined => (text.trim() === '' ? undefined : Number(text));

// The server reads amounts as people write them under these names; they stand for the ones in millionths.
interface Written {
  amount?: string;
  max_cost_per_hour?: string;
}

function limitsOf(draft: Draft) {
  return {
    ...(draft.amount.trim() ? { amount: draft.amount } : {}),
    ...(draft.hourly.trim() ? { max_cost_per_hour: draft.hourly } : {}),
    max_concurrent_jobs: whole(draft.jobs),
    thresholds: draft.thresholds.map(Number),
    channels: draft.channels,
    period: draft.period,
    action: draft.action,
    watches_anomalies: draft.anomalies,
  };
}

export function requestOf(draft: Draft): Request {
  const request: Omit<Request, 'max_hourly_micro'> & Written = {
    ...limitsOf(draft),
    name: draft.name,
    scope: draft.scope,
    target: draft.target || undefined,
  };
  return request;
}

export function patchOf(draft: Draft, budget: Budget): Patch {
  const clears: Patch['clears'] = [];
  if (budget.amount && !draft.amount.trim()) clears.push('amount');
  if (budget.max_cost_per_hour && !draft.hourly.trim()) clears.push('max_cost_per_hour');
  if (budget.max_concurrent_jobs !== null && !draft.jobs.trim()) clears.push('max_concurrent_jobs');
  const patch: Omit<Patch, 'max_hourly_micro'> & Written = { ...limitsOf(draft), clears };
  return patch;
}
