export { ChoiceField, NotSupported, Remarks, SwitchField, TextField } from './Field';
export { ListField, PairsField } from './ListField';
