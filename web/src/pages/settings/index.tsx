import { Tabs } from '@mantine/core';
import { useLive } from '@/api/stream';
import { PageHeader } from '@/components/PageHeader';
import { TabList } from '@/components/TabList';
import { useUrlState } from '@/lib/url';
import { Power } from './Power';
import { Preferences } from './Preferences';
import { Prices } from './Prices';
import { Server } from './Server';
import { Tokens } from './Tokens';

const TABS = [
  { value: 'power', label: 'Power and carbon', Part: Power },
  { value: 'prices', label: 'Your prices', Part: Prices },
  { value: 'preferences', label: 'Preferences', Part: Preferences },
  { value: 'tokens', label: 'Tokens', Part: Tokens },
  { value: 'server', label: 'Server', Part: Server },
];

export default function Settings() {
  useLive('settings', 'prices');
  const url = useUrlState();
  const wanted = url.text('tab', 'power');
  const tab = TABS.some((each) => each.value === wanted) ? wanted : 'power';
  return (
    <>
      <PageHeader title="Settings" />
      <Tabs
        value={tab}
        onChange={(value) => url.set({ tab: value === 'power' ? null : value })}
        keepMounted={false}
      >
        <TabList active={tab}>
          {TABS.map((each) => (
            <Tabs.Tab value={each.value} key={each.value}>
              {each.label}
            </Tabs.Tab>
          ))}
        </TabList>
        {TABS.map(({ value, Part }) => (
          <Tabs.Panel value={value} key={value}>
            <Part />
          </Tabs.Panel>
        ))}
      </Tabs>
    </>
  );
}
