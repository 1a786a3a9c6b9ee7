import { Button, Menu, Tabs } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { base } from '@/api/client';
import { PageHeader } from '@/components/PageHeader';
import { TabList } from '@/components/TabList';
import { useUrlState } from '@/lib/url';
import { Estimates } from './Estimates';
import { Invoices } from './Invoices';
import { addressOf, askedOf } from './range';
import { Spend } from './Spend';

const TABS = [
  ['spend', 'Spend'],
  ['estimates', 'Estimated and actual'],
  ['invoices', 'Invoices'],
] as const;
const FILES = [
  ['groups', 'Groups of this range'],
  ['series', 'Amounts over time'],
  ['jobs', 'Jobs, estimated and actual'],
] as const;

export default function Costs() {
  const url = useUrlState();
  const asked = askedOf(url);
  const tab = url.text('tab', 'spend');
  return (
    <>
      <PageHeader
        title="Costs"
        about="What was spent, on what, how it is known, and what would have been spent otherwise."
        actions={
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />}>
                Export
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {FILES.map(([what, label]) => (
                <Menu.Item key={what} component="a" href={addressOf(base, asked, what)} download>
                  {label} (CSV)
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        }
      />
      <Tabs
        value={tab}
        onChange={(value) => url.set({ tab: value === 'spend' ? null : value })}
        keepMounted={false}
      >
        <TabList active={tab}>
          {TABS.map(([name, label]) => (
            <Tabs.Tab key={name} value={name}>
              {label}
            </Tabs.Tab>
          ))}
        </TabList>
        <Tabs.Panel value="spend">
          <Spend asked={asked} />
        </Tabs.Panel>
        <Tabs.Panel value="estimates">
          <Estimates asked={asked} />
        </Tabs.Panel>
        <Tabs.Panel value="invoices">
          <Invoices />
        </Tabs.Panel>
      </Tabs>
    </>
  );
}
