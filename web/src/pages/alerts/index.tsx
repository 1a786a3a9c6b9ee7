import { Button, Tabs } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useLive } from '@/api/stream';
import { PageHeader } from '@/components/PageHeader';
import { TabList } from '@/components/TabList';
import { useUrlState } from '@/lib/url';
import { AlertForm } from './AlertForm';
import { AlertList } from './AlertList';
import { Channels } from './Channels';
import { Firings } from './Firings';

const TABS = ['alerts', 'firings', 'channels'];

export default function Alerts() {
  useLive('alerts', 'prices');
  const url = useUrlState();
  const tab = TABS.includes(url.text('tab')) ? url.text('tab') : 'alerts';
  const edited = url.text('edit');
  const isNew = url.flag('new');
  const close = () => url.set({ edit: null, new: null });
  return (
    <>
      <PageHeader
        title="Alerts"
        about="Be told when a price falls below what you would pay, drops, or when something can be had again."
        actions={
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => url.set({ new: true })}>
            New alert
          </Button>
        }
      />
      <Tabs
        value={tab}
        onChange={(value) => url.set({ tab: value === 'alerts' ? null : value })}
        keepMounted={false}
      >
        <TabList active={tab}>
          <Tabs.Tab value="alerts">Alerts</Tabs.Tab>
          <Tabs.Tab value="firings">Firings</Tabs.Tab>
          <Tabs.Tab value="channels">Channels</Tabs.Tab>
        </TabList>
        <Tabs.Panel value="alerts">
          <AlertList onEdit={(name) => url.set({ edit: name })} onNew={() => url.set({ new: true })} />
        </Tabs.Panel>
        <Tabs.Panel value="firings">
          <Firings />
        </Tabs.Panel>
        <Tabs.Panel value="channels">
          <Channels />
        </Tabs.Panel>
      </Tabs>
      {isNew || edited ? <AlertForm name={edited || null} gpu={url.text('gpu')} onClose={close} /> : null}
    </>
  );
}
