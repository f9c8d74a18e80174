// Texts of the two pages about what became of callers: why a call went to whom, and messages.

export const QUEUE = {
  // ---- why
  'why.choose': ['选择一通电话，查看为什么分配给这位座席', 'Choose a call to see why it went where it went'],
  'why.offers': ['分配过程', 'Offers'],
  'why.none': ['这通电话没有分配给任何座席', 'This call was offered to nobody'],
  'why.ask': ['为什么（没有）分配给这位座席？', 'Why (not) this agent?'],
  'why.agent': ['工号', 'Agent number'],
  'why.asked': ['座席 {agent}', 'Agent {agent}'],
  'why.never': ['这通电话没有排过队', 'This call never waited in a queue'],
  'why.link': ['分配原因', 'Why this agent'],

  // ---- messages
  'msg.of': ['留言信箱', 'Mailbox'],
  'msg.open': ['未处理', 'Open'],
  'msg.all': ['全部', 'All'],
  'msg.left': ['留言时间', 'Left at'],
  'msg.length': ['时长', 'Length'],
  'msg.caller': ['来电号码', 'Caller'],
  'msg.state': ['状态', 'State'],
  'msg.done': ['标记已处理', 'Mark as handled'],
  'msg.done_by': ['{user} 已处理 {time}', 'Handled by {user} {time}'],
  'msg.empty': ['没有留言', 'No messages'],
  'msg.choose': ['选择一条留言收听', 'Choose a message to hear'],
  'msg.deleted': ['已删除', 'Deleted'],
  'msg.more': ['更早的留言', 'Earlier messages'],
} as const;
