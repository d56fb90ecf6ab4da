#!/usr/bin/env node
import { program } from 'commander'
import { parse } from 'yaml'
import { readFileSync } from 'node:fs'

program.argument('<file>').action(f => console.log(parse(readFileSync(f, 'utf8'))))
program.parse()
