import { lazy, type ComponentType } from 'react';
import type { Attempt, Detail } from './useJob';
import { Overview } from './Overview';
import { withAttempts } from './withAttempts';

export interface Tab {
  id: string;
  label: string;
  Panel: ComponentType<{ job: Detail }>;
}

type Viewer = ComponentType<{ jobId: string; attempts: Attempt[] }>;
/** Viewers with much code of their own come when they are opened. */
const viewers = import.meta.glob<Record<string, Viewer>>(['./logs/index.tsx', './metrics/index.tsx']);

function viewer(id: string, label: string, name: string): Tab[] {
  const load = viewers[`./${id}/index.tsx`];
  if (!load) return [];
  const Shown = lazy(async () => {
    const module = await load();
    const found = module[name] ?? module.default;
    if (!found) throw new Error(`${id} has no ${name}`);
    return { default: found };
  });
  return [{ id, label, Panel: withAttempts(Shown) }];
}

/** The same tabs for every job: one without anything says why. */
export const tabs: Tab[] = [
  { id: 'overview', label: 'Overview', Panel: Overview },
  ...viewer('logs', 'Logs', 'JobLogs'),
  ...viewer('metrics', 'Metrics', 'JobMetrics'),
  { id: 'events', label: 'Events', Panel: lazy(() => import('./Events')) },
  { id: 'cost', label: 'Cost', Panel: lazy(() => import('./Cost')) },
  { id: 'checkpoints', label: 'Checkpoints', Panel: lazy(() => import('./Checkpoints')) },
  { id: 'attempts', label: 'Attempts', Panel: lazy(() => import('./Attempts')) },
  { id: 'files', label: 'Files', Panel: lazy(() => import('./Files')) },
  { id: 'spec', label: 'Spec', Panel: lazy(() => import('./Spec')) },
];
