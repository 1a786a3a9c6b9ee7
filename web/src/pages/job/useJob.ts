import { useNavigate } from 'react-router';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { $api, newKey, type Schemas } from '@/api/client';
import type { Action } from '@/components/ActionButtons';

export type Detail = Schemas['JobDetail'];
export type Attempt = Schemas['AttemptView'];
/** Of what changes by itself while a job runs (cost, progress), which no event tells of. */
export const WHILE_RUNNING_MS = 3_000;

export function useJob(reference: string) {
  return $api.useQuery(
    'get',
    '/api/v1/jobs/{reference}',
    { params: { path: { reference } } },
    { refetchInterval: ({ state }) => (state.data && !state.data.cost.is_final ? WHILE_RUNNING_MS : false) },
  );
}

/** Does what the server permits. */
export function useActions(job: Detail | undefined) {
  const navigate = useNavigate();
  const client = useQueryClient();
  const [isMoving, setMoving] = useState(false);
  const stop = $api.useMutation('post', '/api/v1/jobs/{reference}/stop');
  const retry = $api.useMutation('post', '/api/v1/jobs/{reference}/retry');

  async function run(action: Action) {
    if (!job) return;
    const path = { reference: job.id };
    const header = { 'Idempotency-Key': newKey() };
    if (action.id === 'clone') void navigate(`/new?clone=${job.id}`);
    else if (action.id === 'migrate') setMoving(true);
    else if (action.id === 'retry') {
      const made = await retry.mutateAsync({ params: { path, header } });
      void navigate(`/jobs/${made.id}`);
    } else {
      await stop.mutateAsync({ params: { path, header }, body: { now: action.id === 'stop_now' } });
      await client.invalidateQueries();
    }
  }

  return { run, isMoving, endMoving: () => setMoving(false) };
}

export function attemptsOf(job: Detail): Attempt[] {
  return job.tasks.flatMap((task) => task.attempts);
}

/** What was drawn and what that emitted, to three digits. */
export function energyText({ energy_kwh, carbon_grams }: Schemas['CostView']): string {
  const short = (value: number) => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });
  const carbon = carbon_grams >= 1000 ? `${short(carbon_grams / 1000)} kg` : `${short(carbon_grams)} g`;
  return `${short(energy_kwh)} kWh · ${carbon} CO2e`;
}
