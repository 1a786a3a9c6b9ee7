import { Group, Kbd, Modal, Stack, Text } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import { useNavigate } from 'react-router';
import { places } from '@/routes';

const CHORD_MS = 1_200;

/** `g` and a letter goes to a page; `?` lists what the keyboard does. */
export function Keys() {
  const navigate = useNavigate();
  const [isOpen, { open, close }] = useDisclosure(false);
  const pressedAt = useRef(-Infinity);

  useEffect(() => {
    function press(event: KeyboardEvent) {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key === '?') return open();
      const isChord = event.timeStamp - pressedAt.current < CHORD_MS;
      pressedAt.current = event.key === 'g' ? event.timeStamp : -Infinity;
      const place = isChord ? places.flat().find((each) => each.key === event.key) : undefined;
      if (place) {
        event.preventDefault();
        void navigate(place.path);
      }
    }
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [navigate, open]);

  return (
    <Modal opened={isOpen} onClose={close} title="Keyboard">
      <Stack gap={6}>
        <Line text="Search jobs and pages" keys={['Ctrl', 'K']} />
        {places.flat().map((place) => (
          <Line key={place.path} text={`Go to ${place.label}`} keys={['g', place.key]} />
        ))}
        <Line text="This list" keys={['?']} />
      </Stack>
    </Modal>
  );
}

function Line({ text, keys }: { text: string; keys: string[] }) {
  return (
    <Group justify="space-between">
      <Text size="sm">{text}</Text>
      <Group gap={4}>
        {keys.map((key) => (
          <Kbd key={key}>{key}</Kbd>
        ))}
      </Group>
    </Group>
  );
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.closest('input, textarea, select, [role="dialog"], [role="log"]') !== null)
  );
}
