import { lazy, type ComponentType } from 'react';
import type { Detail } from './useJob';
import { Overview } from './Overview';
import { withAttempts } from './withAttempts';

export interface Tab {
  id: string;
  label: string;
  Panel: ComponentType<{ job: Detail }>;
}

/** Viewers with much code of their own come when they are opened. */
const Logs = lazy(() => import('./logs').then(({ JobLogs }) => ({ default: JobLogs })));
const Metrics = lazy(() => import('./metrics').then(({ JobMetrics }) => ({ default: JobMetrics })));

/** The same tabs for every job: one without anything says why. */
export const tabs: Tab[] = [
  { id: 'overview', label: 'Overview', Panel: Overview },
  { id: 'logs', label: 'Logs', Panel: withAttempts(Logs) },
  { id: 'metrics', label: 'Metrics', Panel: withAttempts(Metrics) },
  { id: 'events', label: 'Events', Panel: lazy(() => import('./Events')) },
  { id: 'cost', label: 'Cost', Panel: lazy(() => import('./Cost')) },
  { id: 'checkpoints', label: 'Checkpoints', Panel: lazy(() => import('./Checkpoints')) },
  { id: 'attempts', label: 'Attempts', Panel: lazy(() => import('./Attempts')) },
  { id: 'files', label: 'Files', Panel: lazy(() => import('./Files')) },
  { id: 'spec', label: 'Spec', Panel: lazy(() => import('./Spec')) },
];
