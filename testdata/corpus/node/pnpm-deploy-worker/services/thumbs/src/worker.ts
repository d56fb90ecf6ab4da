import { Worker } from 'bullmq'
import { log } from '@media/log'

const worker = new Worker('thumbs', async job => log.info(job.data), { connection: { host: process.env.REDIS_HOST } })
process.on('SIGTERM', () => worker.close())
