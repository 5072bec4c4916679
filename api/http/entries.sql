-- Entries for those who read them over HTTP.

-- name: page
-- Entries behind a seq and below `size`, of one stream and one type or of all, exactly as sealed; with `as_of` those posted up
-- to that day. What has no day counts from its seq.
select seq, leaf, body from entry
where seq > %(behind)s and seq < coalesce(%(size)s, 9223372036854775807) and (%(stream)s::text is null or stream = %(stream)s)
  and (%(type)s::text is null or type = %(type)s) and seq < (select size from head)
  and (%(as_of)s::date is null
    or coalesce((convert_from(body, 'UTF8')::jsonb #>> '{data,on}')::date <= %(as_of)s, true))
order by seq limit %(limit)s

-- name: touches
-- Whether the entry issued or moved serials of this donor's.
select exists (
    select from view_gift where donor = %(donor)s and seq = %(seq)s
) or exists (
    select from view_movement move join view_gift gift
        on gift.tape = move.tape and gift.lo < move.hi and gift.hi > move.lo
    where move.seq = %(seq)s and gift.donor = %(donor)s
)
