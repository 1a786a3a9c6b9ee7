import { Alert, Button, FileInput, Group, Modal, Select, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { $api, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatDay } from '@/lib/format';

type Answer = Schemas['InvoiceAnswer'];

/** Reads a file first and says what would be new; only then takes it in. */
export function ImportInvoice({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }) {
  const client = useQueryClient();
  const [provider, setProvider] = useState<string | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const [read, setRead] = useState<Answer | null>(null);
  const providers = $api.useQuery('get', '/api/v1/providers', {}, { enabled: isOpen });
  const send = $api.useMutation('post', '/api/v1/cost/invoices');

  function close() {
    setFile(null);
    setRead(null);
    send.reset();
    onClose();
  }

  async function post(isDry: boolean) {
    if (!provider || !file) return;
    const content = await file.text();
    const body = { provider, content, filename: file.name, dry_run: isDry };
    const answer = await send.mutateAsync({ body });
    if (isDry) {
      setRead(answer);
      return;
    }
    notifications.show({ message: `${answer.new_lines} lines of ${answer.filename} were taken in.` });
    await client.invalidateQueries();
    close();
  }

  return (
    <Modal opened={isOpen} onClose={close} title="Import an invoice" size="lg">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void post(read === null).catch(() => undefined);
        }}
      >
        <Stack gap="sm">
          <Select
            label="Provider"
            searchable
            data={(providers.data?.items ?? []).map((each) => ({ value: each.id, label: each.title }))}
            value={provider}
            onChange={(value) => {
              setProvider(value);
              setRead(null);
            }}
            error={providers.error ? 'The providers could not be read.' : undefined}
          />
          <FileInput
            label="CSV file"
            description="The first line names the columns: period or start and end, resource, amount; others are passed over."
            placeholder="Choose a file"
            accept=".csv,text/csv"
            value={file}
            onChange={(value) => {
              setFile(value);
              setRead(null);
              send.reset();
            }}
            clearable
          />
          <ProblemAlert error={send.error} />
          {read ? <Found read={read} /> : null}
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button
              type="submit"
              disabled={!provider || !file || (read !== null && read.new_lines === 0)}
              loading={send.isPending}
            >
              {read ? `Take in ${read.new_lines} lines` : 'Read it'}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function Found({ read }: { read: Answer }) {
  return (
    <Alert variant="outline" color="gray" title={`${read.lines} lines, ${read.total.text}`} role="status">
      <Text size="sm">
        {formatDay(new Date(read.since))} to {formatDay(new Date(read.until))}.{' '}
        {read.new_lines === 0 ? 'All of them were taken in before.' : `${read.new_lines} of them are new.`}
      </Text>
    </Alert>
  );
}
