import { Button, Code, Modal, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import { onSignedOut } from '@/api/client';

/** The session has ended: says how to get another, and keeps what was typed on the page behind. */
export function SignedOut() {
  const [isOut, setOut] = useState(false);
  useEffect(() => onSignedOut(() => setOut(true)), []);
  return (
    <Modal opened={isOut} onClose={() => setOut(false)} title="This browser is no longer signed in">
      <Stack gap="sm">
        <Text size="sm">
          Run <Code>tradewind open</Code> where your command line knows this server. Once the page it opens is
          there, come back to this one: what you typed is kept.
        </Text>
        <Button onClick={() => setOut(false)}>I have signed in</Button>
      </Stack>
    </Modal>
  );
}
