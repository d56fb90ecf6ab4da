import sharp from 'sharp'
import { Hono } from 'hono'

const app = new Hono()
app.get('/:w', c => c.body(sharp('in.png').resize(Number(c.req.param('w')))))
export default app
