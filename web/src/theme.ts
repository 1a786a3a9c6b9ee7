import {
  createTheme,
  Drawer,
  Modal,
  Notification,
  localStorageColorSchemeManager,
  type MantineColorsTuple,
} from '@mantine/core';

/** The sea at four depths; contrast of 6 and darker on white is above 4.5. */
const tide: MantineColorsTuple = [
  '#e6f7f9',
  '#d3eaee',
  '#a8d5dd',
  '#79bfcb',
  '#52adbc',
  '#389fb1',
  '#0b7c90',
  '#0a6d7f',
  '#075c6b',
  '#034a57',
];

export const theme = createTheme({
  primaryColor: 'tide',
  // White on it can be read in both schemes: whether text is dark is decided by the light one.
  primaryShade: 6,
  autoContrast: true,
  colors: { tide },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  components: {
    Modal: Modal.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
    Notification: Notification.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
    Drawer: Drawer.extend({ defaultProps: { closeButtonProps: { 'aria-label': 'Close' } } }),
  },
  headings: {
    fontWeight: '600',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.05rem', lineHeight: '1.4' },
    },
  },
});

export const schemes = localStorageColorSchemeManager({ key: 'tradewind-color-scheme' });
