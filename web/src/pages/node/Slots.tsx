import { Anchor } from '@mantine/core';
import { Link } from 'react-router';
import type { Schemas } from '@/api/client';
import { DataTable, type Column } from '@/components/DataTable';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { StateBadge } from '@/components/StateBadge';

type Slot = Schemas['AcceleratorView'];

const COLUMNS: Column<Slot>[] = [
  { id: 'index', header: '#', render: (slot) => slot.index, align: 'right', width: '3rem' },
  { id: 'name', header: 'Accelerator', render: (slot) => slot.name },
  {
    id: 'use',
    header: 'Use',
    render: (slot) => (slot.badge ? <StateBadge badge={slot.badge} size="sm" /> : slot.label),
  },
  {
    id: 'job',
    header: 'Who',
    render: (slot) =>
      slot.job_id ? (
        <Anchor component={Link} to={`/jobs/${slot.job_id}`} inherit c="inherit" td="underline">
          {slot.job}
        </Anchor>
      ) : slot.use === 'others' || slot.use === 'resting' ? (
        slot.label
      ) : (
        '–'
      ),
  },
  { id: 'memory', header: 'Memory', render: (slot) => slot.memory_text, align: 'right', hideBelow: 'sm' },
  {
    id: 'busy',
    header: 'Busy',
    width: '9rem',
    render: (slot) =>
      slot.utilisation_percent === null ? (
        '–'
      ) : (
        <span style={{ display: 'grid', gridTemplateColumns: '1fr 3rem', alignItems: 'center', gap: 8 }}>
          <Meter share={slot.utilisation_percent / 100} label={`Accelerator ${slot.index} is busy`} />
          <span style={{ textAlign: 'right' }}>{Math.round(slot.utilisation_percent)} %</span>
        </span>
      ),
  },
];

/** Each accelerator with who has it and how busy it is. */
export function Slots({ slots }: { slots: Slot[] }) {
  return (
    <Panel title="Accelerators" padding={0}>
      <DataTable
        isFlush
        label="Accelerators"
        rows={slots}
        columns={COLUMNS}
        rowKey={(slot) => String(slot.index)}
      />
    </Panel>
  );
}
