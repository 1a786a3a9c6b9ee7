import {
  IconBell,
  IconChartBar,
  IconHome,
  IconListDetails,
  IconPlug,
  IconPlus,
  IconServer2,
  IconSettings,
  IconTags,
  IconWallet,
  type Icon,
} from '@tabler/icons-react';
import type { ComponentType } from 'react';
import type { RouteObject } from 'react-router';
import { NotFound } from './shell/Broken';

type Page = () => Promise<{ default: ComponentType }>;

function lazy(path: string, load: Page): RouteObject {
  return { path, lazy: async () => ({ Component: (await load()).default }) };
}

/** Every page of the application. */
export const pages: RouteObject[] = [
  { index: true, lazy: async () => ({ Component: (await import('./pages/home')).default }) },
  lazy('/jobs', () => import('./pages/jobs')),
  lazy('/jobs/:id/:tab?', () => import('./pages/job')),
  lazy('/offers', () => import('./pages/offers')),
  lazy('/prices', () => import('./pages/prices')),
  lazy('/nodes', () => import('./pages/nodes')),
  lazy('/nodes/:reference', () => import('./pages/node')),
  lazy('/costs', () => import('./pages/costs')),
  lazy('/budgets', () => import('./pages/budgets')),
  lazy('/budgets/:reference', () => import('./pages/budget')),
  lazy('/alerts', () => import('./pages/alerts')),
  lazy('/connections', () => import('./pages/connections')),
  lazy('/connections/:provider', () => import('./pages/connection')),
  lazy('/settings', () => import('./pages/settings')),
  lazy('/new', () => import('./pages/new')),
  { path: '*', element: <NotFound /> },
];

export interface Place {
  path: string;
  label: string;
  icon: Icon;
  /** Pressed after `g`. */
  key: string;
}

/** What the navigation lists, in groups. */
export const places: Place[][] = [
  [
    { path: '/', label: 'Home', icon: IconHome, key: 'h' },
    { path: '/new', label: 'New job', icon: IconPlus, key: 'n' },
  ],
  [
    { path: '/jobs', label: 'Jobs', icon: IconListDetails, key: 'j' },
    { path: '/offers', label: 'Offers', icon: IconTags, key: 'o' },
    { path: '/nodes', label: 'Nodes', icon: IconServer2, key: 'm' },
  ],
  [
    { path: '/costs', label: 'Costs', icon: IconChartBar, key: 'c' },
    { path: '/budgets', label: 'Budgets', icon: IconWallet, key: 'b' },
    { path: '/alerts', label: 'Alerts', icon: IconBell, key: 'a' },
  ],
  [
    { path: '/connections', label: 'Connections', icon: IconPlug, key: 'p' },
    { path: '/settings', label: 'Settings', icon: IconSettings, key: 's' },
  ],
];

export { lazy };
