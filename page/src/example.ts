/** An invented text with triples of which some are wrong. */

import { draft, type Draft } from './drafts';
import type { Named } from './types';

export const EXAMPLE_TEXT =
  '电影《雾中渡》由林知远执导，顾青禾担任编剧，沈若汐领衔主演，2018年9月14日上映。林知远毕业于临澜大学，妻子是画家许棠。云岫科技由贺一鸣创办，总部设在松河市。';

const TRIPLES: Named[] = [
  ['雾中渡', '导演', '林知远'],
  ['雾中渡', '编剧', '顾青禾'],
  ['雾中渡', '主演', '沈若汐'],
  ['雾中渡', '导演', '顾青禾'],
  ['雾中渡', '上映时间', '2018年9月14日'],
  ['林知远', '毕业院校', '临澜大学'],
  ['林知远', '妻子', '许棠'],
  ['云岫科技', '创始人', '贺一鸣'],
  ['云岫科技', '总部地点', '临澜'],
  ['雾中渡', '主演', '宋砚'],
];

export const exampleDrafts = (): Draft[] =>
  TRIPLES.map(([subject, predicate, object]) => draft({ subject, predicate, object }));
