import { Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { notFound } from '#libs/errors/errors.js';
import { readFilters } from '../../../domain/requests/filters.js';
import { text, type QueryValues } from '../../../domain/requests/query-values.js';

/** Berth has no plugins: the list is empty and no name is one. The CLI asks here when `docker inspect` finds nothing else. */
@Controller('/plugins')
export class PluginController {
  @Get()
  list(@Query() query: QueryValues): readonly object[] {
    readFilters(text(query, 'filters'), ['enabled', 'capability']); // throws
    return [];
  }

  @Get('/:name/json')
  inspect(@Param('name') name: string): never {
    throw noPlugin(name);
  }

  @Delete('/:name')
  remove(@Param('name') name: string): never {
    throw noPlugin(name);
  }

  @Post('/:name/enable')
  enable(@Param('name') name: string): never {
    throw noPlugin(name);
  }

  @Post('/:name/disable')
  disable(@Param('name') name: string): never {
    throw noPlugin(name);
  }
}

const noPlugin = (name: string): Error => notFound(`plugin "${name}" not found`);
