import { Button, Grid, Group, Modal, Stack } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { api, newKey, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { BudgetFields } from './BudgetFields';
import { Preview } from './Preview';
import { draftOf, patchOf, requestOf, type Draft } from './draft';

/** Sets a budget, or changes one. What it would do is shown beside it before it is set; the server checks it. */
export function BudgetForm({
  budget,
  isOpen,
  onClose,
}: {
  budget?: Schemas['BudgetView'];
  isOpen: boolean;
  onClose: () => void;
}) {
  return (
    <Modal
      opened={isOpen}
      onClose={onClose}
      title={budget ? `Change ${budget.name}` : 'New budget'}
      size={900}
    >
      <Form budget={budget} onClose={onClose} />
    </Modal>
  );
}

function Form({ budget, onClose }: { budget?: Schemas['BudgetView']; onClose: () => void }) {
  const client = useQueryClient();
  const navigate = useNavigate();
  const [draft, setDraft] = useState<Draft>(() => draftOf(budget));
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);

  async function save() {
    setBusy(true);
    setError(null);
    try {
      if (budget) {
        await api.PATCH('/api/v1/budgets/{reference}', {
          params: { path: { reference: budget.id } },
          body: patchOf(draft, budget),
        });
      } else {
        await api.POST('/api/v1/budgets', {
          params: { header: { 'Idempotency-Key': newKey() } },
          body: requestOf(draft),
        });
      }
      notifications.show({ message: `The budget ${draft.name} is set.` });
      await client.invalidateQueries();
      onClose();
      if (!budget) void navigate(`/budgets/${draft.name}`);
    } catch (problem) {
      setError(problem);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <Grid gap="lg">
        <Grid.Col span={{ base: 12, sm: 7 }}>
          <BudgetFields
            draft={draft}
            isNew={!budget}
            onChange={(change) => setDraft({ ...draft, ...change })}
          />
        </Grid.Col>
        <Grid.Col span={{ base: 12, sm: 5 }}>
          <Preview request={{ ...requestOf(draft), name: draft.name || 'draft' }} />
        </Grid.Col>
      </Grid>
      <Stack mt="md" gap="sm">
        <ProblemAlert error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy} disabled={!draft.name}>
            {budget ? 'Change' : 'Set budget'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
