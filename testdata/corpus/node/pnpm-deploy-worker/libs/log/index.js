export { default as log } from 'pino'
